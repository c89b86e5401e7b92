"""The one way out when the infrastructure or the program fails: at once, loudly, with nothing acknowledged."""

import logging
import os
import sys
from typing import NoReturn

logger = logging.getLogger(__name__)

EXIT_CODE = 70
"""`EX_SOFTWARE` of sysexits.h: restart the process; it continues from the last commit."""


class StreamingError(Exception):
    """Processing cannot go on without risking a lost or doubled record; the text says why and what to do."""


def give_up(reason: str, error: BaseException | None = None) -> NoReturn:
    """Log and end the process without any cleanup: an orderly stop would commit offsets past the failure."""
    logger.critical("giving up, nothing of the current batch is acknowledged: %s", reason, exc_info=error)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE)
