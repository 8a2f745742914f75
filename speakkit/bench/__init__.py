"""`speakkit bench`: measure the speed and resource use of synthesis, with one process and with several at once."""
