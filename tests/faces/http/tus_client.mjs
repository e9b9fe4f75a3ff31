// Uploads one file with the unmodified tus-js-client; what to do comes as JSON on standard input.
import { createReadStream, readFileSync, statSync } from "node:fs";
import { Upload } from "tus-js-client";

const asked = JSON.parse(readFileSync(0, "utf8"));
const upload = new Upload(createReadStream(asked.file), {
  endpoint: asked.endpoint,
  headers: asked.headers,
  metadata: asked.metadata,
  chunkSize: asked.chunkSize,
  uploadSize: statSync(asked.file).size,
  retryDelays: [0, 100],
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url),
});
upload.start();
