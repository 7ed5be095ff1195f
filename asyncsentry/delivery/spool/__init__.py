"""What waits is also on disk, and outlives the process: a folder of envelopes.

``PATH`` holds a folder for each living process and destination, named by a digest of the destination and some random
letters. In it are the file ``lock``, which the process holds for as long as it lives, and a file for each envelope.
A folder whose lock can be taken is one of a process that is gone; its files are taken over by the next that delivers
to the same destination. So is ``fatal.txt``, if its process crashed: it bears the name of that process's folder from
then on, until what it tells is in an envelope. ``PATH/aside`` keeps what no envelope can be read from.
"""
