"""What runs to completion: releases, jobs and crons."""
