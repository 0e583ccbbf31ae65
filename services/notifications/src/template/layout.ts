import { escapeHtml as escape } from '#libs/contracts';
import type { Message } from './message.js';

const FONT = 'font-family:Helvetica,Arial,sans-serif';

/** The text part, for people and programs that show no HTML. */
export function textOf({ paragraphs, action, closing = [] }: Message): string {
  const link = action ? [`${action.label}:\n${action.url}`] : [];
  return `${[...paragraphs, ...link, ...closing, '-- \nLeaver'].join('\n\n')}\n`;
}

/** The HTML part: one column, no images, nothing that is loaded from elsewhere. */
export function htmlOf({ subject, paragraphs, action, closing = [] }: Message, language: string): string {
  const paragraph = (text: string, style: string) => `<p style="margin:0 0 16px;${style}">${escape(text)}</p>`;
  const button = action
    ? `<p style="margin:24px 0"><a href="${escape(action.url)}" style="background:#1f4fd8;border-radius:6px;color:#ffffff;display:inline-block;padding:12px 20px;text-decoration:none;${FONT};font-size:16px">${escape(action.label)}</a></p>`
    : '';
  const body = [
    ...paragraphs.map((text) => paragraph(text, `${FONT};font-size:16px;line-height:24px;color:#1b1f27`)),
    button,
    ...closing.map((text) => paragraph(text, `${FONT};font-size:14px;line-height:20px;color:#555d6b`)),
  ].join('\n');
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(subject)}</title></head>
<body style="margin:0;padding:0;background:#f4f5f7">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0" border="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0" border="0" style="max-width:560px;background:#ffffff;border-radius:8px"><tr><td style="padding:32px">
${body}
</td></tr></table>
<p style="margin:16px 0 0;${FONT};font-size:12px;color:#6b7280">Leaver</p>
</td></tr></table>
</body>
</html>
`;
}
