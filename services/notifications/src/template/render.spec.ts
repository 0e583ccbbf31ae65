import { describe, expect, it } from '@jest/globals';
import { DEPARTURE_MAIL_KINDS, MAIL_KINDS, SIGN_IN_METHODS, type MailRequest } from '#libs/contracts';
import { plainName } from './plain-name.js';
import { render } from './render.js';

const OPTIONS = { language: 'en', origin: 'https://leaver.example.com' } as const;
const mail = (more: Partial<MailRequest>): MailRequest => ({
  id: '01890000-0000-7000-8000-000000000000',
  kind: 'invitation',
  to: 'ina@example.com',
  token: 'abc-123',
  expiresAt: '2026-12-07T22:35:00.000Z',
  ...more,
});
/** Everything that a mail program may turn into a link. */
const LINK = /(https?:|www\.\S|mailto:|\w\.\w|@|\/)/;

describe('a mail', () => {
  it.each(MAIL_KINDS)('of kind %s has a subject, a text and the same text as HTML', (kind) => {
    const { subject, text, html } = render(mail({ kind, at: '2026-12-01T10:00:00.000Z' }), OPTIONS);
    expect(subject).toMatch(/^[A-Z][\w ]+$/);
    expect(text).not.toMatch(/undefined|null|<|&/);
    for (const paragraph of text.split('\n\n').slice(0, 1)) expect(html).toContain(paragraph);
    expect(html).not.toMatch(/<(script|img|link|iframe|form)|undefined/);
  });

  it('has its token in the fragment of a link to the public address, and no other link', () => {
    const { text, html } = render(mail({}), OPTIONS);
    const url = 'https://leaver.example.com/invitations/accept#token=abc-123';
    expect(text.match(/https?:\S+/g)).toEqual([url]);
    expect(html.match(/https?:[^"<\s]+/g)).toEqual([url]);
  });

  it.each(SIGN_IN_METHODS)('names the way to sign in: %s', (method) => {
    const { text } = render(mail({ kind: 'sign-in-method-added', at: '2026-12-01T10:00:00.000Z', method }), OPTIONS);
    expect(text).toMatch(
      /^On 1 December 2026 at 10:00 UTC, (a|an|single) [\w -]+ was added to your account at Leaver\./,
    );
  });

  it('says until when its link works', () => {
    expect(render(mail({}), OPTIONS).text).toContain('The link works once, until 7 December 2026 at 22:35 UTC.');
  });

  it('names the inviter, whose name adds neither markup nor a link nor a line', () => {
    const inviter = 'Click <a href="http://evil.example">here</a>\r\nBcc: victim@example.com www.evil.example';
    const { text, html } = render(mail({}), { ...OPTIONS, inviter });
    const shown = text.split('\n')[0]!;
    expect(shown).toMatch(/^Click a href=.* has invited you to Leaver\.$/);
    expect(shown).not.toMatch(LINK);
    expect(html).not.toContain('href="http://evil');
    expect(html.match(/<a /g)).toHaveLength(1);
  });
});

describe('a mail about a departure', () => {
  const departure = {
    id: '01890000-0000-7000-8000-000000000001',
    userId: '01890000-0000-7000-8000-000000000002',
    transition: 'deleted',
    effectiveAt: '2026-12-03T10:00:00.000Z',
  } as const;

  it.each(DEPARTURE_MAIL_KINDS)(
    'of kind %s names the leaver safely, and links to the departure and the settings',
    (kind) => {
      const leaver = 'Eve http://evil.example';
      const { text, html } = render(mail({ kind, departure: { ...departure, received: 2 } }), { ...OPTIONS, leaver });
      expect(text).toMatch(/Eve http evil\. example|Every service/);
      expect(text.match(/https?:\S+/g)).toEqual([
        `https://leaver.example.com/departures/${departure.id}`,
        'https://leaver.example.com/settings/notifications',
      ]);
      expect(html.match(/<a /g)).toHaveLength(1);
      expect(text).not.toMatch(/undefined|#token/);
    },
  );

  it('about a deleted user names nobody', () => {
    const { text } = render(mail({ kind: 'departure-completed', departure }), OPTIONS);
    expect(text).toMatch(/^The deletion of a user is complete\./);
  });
});

describe('a name in a mail', () => {
  it.each([
    ['Ada Lovelace', 'Ada Lovelace'],
    ['J.R. Smith', 'J. R. Smith'],
    ['Ana María O’Brien-Núñez', 'Ana María O’Brien-Núñez'],
    ['山田 太郎', '山田 太郎'],
    ['http://evil.example/login', 'http evil. example login'],
    ['mail me@evil.example', 'mail me evil. example'],
    ['javascript:alert(1)', 'javascript alert(1)'],
    ['right\u202Eto left', 'right to left'],
    ['two\r\nlines', 'two lines'],
  ])('%j is shown as %j', (name, shown) => {
    expect(plainName(name)).toBe(shown);
    expect(shown).not.toMatch(LINK);
  });

  it('has 80 characters at most', () => {
    expect([...plainName('😀'.repeat(200))]).toHaveLength(80);
  });
});
