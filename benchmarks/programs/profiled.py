"""A command of llmcfg under cProfile, by the processor's time and not by the clock: profiled.py FILE ARGUMENTS."""

import cProfile
import runpy
import sys
import time

file = sys.argv.pop(1)
profile = cProfile.Profile(time.process_time)
try:
    profile.runcall(runpy.run_module, "llmcfg_cli", run_name="__main__", alter_sys=True)
finally:
    profile.dump_stats(file)
