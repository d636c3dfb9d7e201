#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Every file says its licence and copyright (reuse lint)."""
import subprocess

from sources import ROOT, finish, need


def main():
    done = subprocess.run([need("reuse"), "lint"], cwd=ROOT, capture_output=True, text=True, check=False)
    finish("licences", [] if done.returncode == 0 else [done.stdout + done.stderr])


if __name__ == "__main__":
    main()
