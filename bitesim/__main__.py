"""`python -m bitesim`."""

import sys

from bitesim.cli import main

sys.exit(main())
