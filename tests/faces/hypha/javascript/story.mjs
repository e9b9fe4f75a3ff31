// One story with the npm package `hypha-rpc`, unmodified. Prints what it saw as one line of JSON.
// Environment: SERVER_URL, TOKEN (of somebody with a workspace), TRANSPORT (websocket or http).
import { hyphaWebsocketClient } from "hypha-rpc";

console.log = console.info = console.warn = () => {}; // the client tells of its connections there

const { SERVER_URL, TOKEN, TRANSPORT } = process.env;
const { connectToServer } = hyphaWebsocketClient;
const seen = {};

async function words(promise) {
  try {
    await promise;
    return "no error";
  } catch (error) {
    return String(error);
  }
}

const server = await connectToServer({ server_url: SERVER_URL, token: TOKEN, transport: TRANSPORT });
seen.workspace = server.config.workspace;

const manager = await server.getService("public/artifact-manager");
const gallery = await manager.create({
  alias: "gallery", type: "collection", manifest: { name: "Gallery" }, config: { permissions: { "*": "r" } },
  _rkwargs: true,
});
seen.gallery = gallery.id;
const staged = await manager.create({
  alias: "birds", parent_id: gallery.id, manifest: { name: "Birds", count: 2, nested: { list: [1, 2.5, null] } },
  stage: true, _rkwargs: true,
});
const target = await manager.put_file({ artifact_id: staged.id, file_path: "dir/a.txt", _rkwargs: true });
seen.put = (await fetch(target, { method: "PUT", body: "über 魚" })).status;
const committed = await manager.commit(staged.id);
seen.fileCount = committed.file_count;
const source = await manager.get_file({ artifact_id: staged.id, file_path: "dir/a.txt", _rkwargs: true });
seen.got = await (await fetch(source)).text();
seen.range = await (await fetch(source, { headers: { Range: "bytes=0-1" } })).text();
seen.manifest = (await manager.read(staged.id)).manifest;
seen.listed = (await manager.list({ parent_id: gallery.id, _rkwargs: true })).map((child) => child.alias);
seen.files = (await manager.list_files(staged.id)).map((entry) => [entry.type, entry.name]);
seen.text = (await manager.read_file({ artifact_id: staged.id, file_path: "dir/a.txt", _rkwargs: true })).content;
seen.missing = await words(manager.read("missing"));
seen.badArgument = await words(manager.read({ artifact_id: staged.id, unheard_of: 1, _rkwargs: true }));

const large = new Uint8Array(700 * 1024).map((_, index) => index % 251);
const echoed = await server.echo(large);
seen.echoed = echoed.length === large.length && large.every((byte, index) => byte === echoed[index]);

await manager.delete({ artifact_id: gallery.id, recursive: true, _rkwargs: true });
seen.left = await manager.list();

await server.disconnect();
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
