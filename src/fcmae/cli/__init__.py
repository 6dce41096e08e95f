"""The front door: a package for each subject, its commands with their options and wiring."""
