// Text of commands that people copy from the screen into a shell.

const PLAIN = /^[\w@%+=:,./-]+$/;

/** One word of a POSIX shell, quoted where it must be. */
export const shellWord = (text: string): string =>
  PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
