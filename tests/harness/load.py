"""Asks the toy by new connections for so many seconds; prints how many were answered, and how many were not."""

import http.client
import sys
import threading
import time

end, failed, done = time.monotonic() + float(sys.argv[1]), [], []


def ask() -> None:
    while time.monotonic() < end:
        try:
            link = http.client.HTTPConnection("127.0.0.1", 8090, timeout=20)
            link.request("GET", "/")
            answer = link.getresponse()
            answer.read()
            (done if answer.status == 200 else failed).append(answer.status)
            link.close()
        except (OSError, http.client.HTTPException) as error:
            failed.append(repr(error))


threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.write(f"{len(done)} {len(failed)} {failed[:3]}\n")
