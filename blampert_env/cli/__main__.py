"""``python -m blampert_env.cli`` is the ``blampert`` command."""

import sys

from blampert_env.cli import main

sys.exit(main())
