"""Work that takes seconds or minutes: asked for, told while it runs, stopped, kept."""
