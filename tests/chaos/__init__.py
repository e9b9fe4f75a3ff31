"""Many clients, few artifacts, and servers that are killed: what was acknowledged must be there in the end.

    storm.py     starts the servers, lets the clients loose, kills, and stops
    clients.py   what one client does, and what it was told
    history.py   everything that all clients were told
    verdict.py   what the store holds afterwards, against the history

`python -m tests.chaos --help` runs it for as long as one likes.
"""
