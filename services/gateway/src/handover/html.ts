import { escapeHtml } from '#libs/contracts';

/** Text that is safe to put into a page. */
export interface Html {
  readonly text: string;
}

type Value = string | number | Html | readonly Html[];

/** A template of HTML. Every value that is not HTML itself is escaped, for text and for quoted attributes. */
export const html = (parts: TemplateStringsArray, ...values: Value[]): Html => ({
  text: parts.reduce((text, part, index) => `${text}${textOf(values[index - 1]!)}${part}`),
});

/** Marks a constant of the program as HTML. Never for data. */
export const trusted = (text: string): Html => ({ text });

function textOf(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return 'text' in value ? value.text : value.map(({ text }) => text).join('');
}
