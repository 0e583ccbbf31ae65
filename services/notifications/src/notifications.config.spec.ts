import { expect, it } from '@jest/globals';
import { loadConfig } from '#libs/platform';
import { serviceKeys } from '#libs/test-kit';
import { Smtp } from './mail/smtp.js';
import { NotificationsConfig } from './notifications.config.js';

const env = {
  DATABASE_URL: 'postgres://a:b@127.0.0.1/c',
  NATS_URL: 'nats://127.0.0.1',
  ...serviceKeys('notifications'),
  NOTIFICATIONS_SECRET: 'x'.repeat(32),
  PUBLIC_URL: 'https://leaver.example.com',
  SMTP_URL: 'smtps://leaver:p%40ss@mail.example.com',
  MAIL_FROM: 'Leaver <no-reply@example.com>',
};
const smtp = (more: Record<string, string>) =>
  new Smtp(loadConfig(NotificationsConfig, 'notifications', { ...env, ...more }));

it('the settings of a mail server are accepted, or none', () => {
  expect(smtp({}).isConfigured).toBe(true);
  expect(smtp({ MAIL_FROM: 'no-reply@example.com' }).isConfigured).toBe(true);
  expect(smtp({ SMTP_URL: '', MAIL_FROM: '' }).isConfigured).toBe(false);
});

it.each([
  [{ MAIL_FROM: '' }, /MAIL_FROM/],
  [{ MAIL_FROM: 'Leaver <no-reply@example.com>\r\nBcc: a@example.com' }, /MAIL_FROM/],
  [{ MAIL_FROM: 'somebody' }, /MAIL_FROM/],
  [{ SMTP_URL: 'mail.example.com' }, /SMTP_URL/],
  [{ DKIM_DOMAIN: 'example.com' }, /DKIM_SELECTOR/],
  [{ PUBLIC_URL: 'https://leaver.example.com/path' }, /PUBLIC_URL/],
  [{ NOTIFICATIONS_SECRET: 'short' }, /NOTIFICATIONS_SECRET/],
])('with %j the service does not start and says why', (more, message) => {
  expect(() => smtp(more)).toThrow(message);
});
