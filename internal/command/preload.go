package command

import "C" // for preload.c
