/** A `leaver` command as a document writes it, without what the shell does with its output. */
export type WrittenCommand = string;

/** The `leaver` commands of a document, in their order: in code spans that begin with `leaver`, and in lines of code blocks. */
export function commandsIn(markdown: string): WrittenCommand[] {
  const found = markdown.matchAll(/`(leaver [^`]+)`|^ *(leaver .+)$/gm);
  return [...found].map(([, inline, line]) => (inline ?? line!).replace(/ +[#>].*$/, '').replaceAll(/\s+/g, ' '));
}

/** What follows `leaver`, with values for the placeholders and without optional arguments. @throws Error for a placeholder without a value */
export function wordsOf(command: WrittenCommand, values: Record<string, string>): string[] {
  const filled = command.replaceAll(/ \[[^\]]+\]/g, '').replaceAll(/<([a-z-]+)>/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${command}: there is no value for ${placeholder}`);
    return value;
  });
  return filled.split(' ').slice(1);
}
