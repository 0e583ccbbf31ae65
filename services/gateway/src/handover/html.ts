/** Text that is safe to put into a page. */
export interface Html {
  readonly text: string;
}

type Value = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template of HTML. Every value that is not HTML itself is escaped, for text and for quoted attributes. */
export const html = (parts: TemplateStringsArray, ...values: Value[]): Html => ({
  text: parts.reduce((text, part, index) => `${text}${textOf(values[index - 1]!)}${part}`),
});

/** Marks a constant of the program as HTML. Never for data. */
export const trusted = (text: string): Html => ({ text });

function textOf(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number')
    return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
  return 'text' in value ? value.text : value.map(({ text }) => text).join('');
}
