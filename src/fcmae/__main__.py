"""``python -m fcmae`` and ``torchrun -m fcmae`` are the ``fcmae`` command."""

import sys

from fcmae.cli.main import main

sys.exit(main())
