"""What a waiting process becomes in tests in place of a worker: it prints what it was given, and keeps its lock."""

import json
import os
import signal
import sys

if __name__ == "__main__":
    blocked = sorted(int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    sys.stdout.write(json.dumps({"pid": os.getpid(), "arguments": sys.argv[1:], "blocked": blocked}) + "\n")
    sys.stdout.flush()
    signal.pause()
