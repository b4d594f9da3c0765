"""Public fakes of the ports: users test their steps with what we test with. Each passes its port's contract suite."""
