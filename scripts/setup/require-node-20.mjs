// Its own module, with nothing in it that an older Node could not read.

export function requireNode20() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 20) return;
  console.error(
    "SETUP_NODE_TOO_OLD: this is Node " +
      process.versions.node +
      "; what to do: install Node 20 or newer and run the command again",
  );
  process.exit(1);
}
