"""What operators see: facts and logs below `<state_dir>/public`, and the status server that shows them.

Nothing here decides anything about a task, and nothing of it that fails harms one: it is a warning now and then.
"""
