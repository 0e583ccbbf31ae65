import type { MailRequest } from '#libs/contracts';
import { english } from './english.js';
import { htmlOf, textOf } from './layout.js';
import { plainName } from './plain-name.js';

export interface Rendered {
  subject: string;
  text: string;
  html: string;
}

export interface RenderOptions {
  language: 'en';
  /** The origin of all links. */
  origin: string;
  /** The name of the inviter as people have chosen it. */
  inviter?: string;
  /** The name of the leaver as people have chosen it. */
  leaver?: string;
}

/** The page that each token is for. The token is in the fragment, which browsers do not send to servers. */
const PAGES: Partial<Record<MailRequest['kind'], string>> = {
  invitation: '/invitations/accept',
  'password-reset': '/password-reset',
  'email-confirmation': '/email-confirmation',
};

/** Where people choose which mails they get. */
export const SETTINGS = '/settings/notifications';

const LANGUAGES = { en: { messages: english, locale: 'en-GB' } };

/** Renders a mail. Every value is escaped. */
export function render(mail: MailRequest, { language, origin, inviter, leaver }: RenderOptions): Rendered {
  const { messages, locale } = LANGUAGES[language];
  const moment = (text: string | undefined) => (text === undefined ? '' : momentText(text, locale));
  const page = PAGES[mail.kind];
  const { departure } = mail;
  const message = messages[mail.kind]({
    url: departure
      ? `${origin}/departures/${encodeURIComponent(departure.id)}`
      : page && mail.token
        ? `${origin}${page}#token=${encodeURIComponent(mail.token)}`
        : origin,
    settingsUrl: `${origin}${SETTINGS}`,
    validUntil: moment(mail.expiresAt),
    at: moment(mail.at),
    method: mail.method ?? 'unknown',
    ...(inviter && { inviter: plainName(inviter) }),
    ...(departure && {
      departure: {
        transition: departure.transition,
        leaver: plainName(leaver ?? '') || 'a user',
        effectiveAt: moment(departure.effectiveAt),
        received: departure.received ?? 0,
      },
    }),
  });
  return { subject: message.subject, text: textOf(message), html: htmlOf(message, language) };
}

const momentText = (text: string, locale: string): string =>
  `${new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(text))} UTC`;
