import type { MailRequest } from '#libs/contracts';
import { englishDepartures } from './english-departures.js';
import type { Message, MessageFacts } from './message.js';

const NOT_YOU = 'If this was not you, tell an admin of your account. They can lock the account and reset the password.';

const methodNames: Record<MessageFacts['method'], string> = {
  passkey: 'a passkey',
  'authenticator-app': 'an authenticator app',
  'recovery-codes': 'a set of recovery codes',
  'single-sign-on': 'single sign-on',
  unknown: 'a way to sign in',
};

/** The mails in English. */
export const english: Record<MailRequest['kind'], (facts: MessageFacts) => Message> = {
  ...englishDepartures,
  invitation: ({ url, validUntil, inviter }) => ({
    subject: 'You are invited to Leaver',
    paragraphs: [
      inviter ? `${inviter} has invited you to Leaver.` : 'Your company has invited you to Leaver.',
      'Choose a password to accept the invitation.',
    ],
    action: { label: 'Accept the invitation', url },
    closing: [
      `The link works once, until ${validUntil}.`,
      'If you do not expect an invitation, you can ignore this mail. Nothing happens until somebody accepts it.',
    ],
  }),
  'password-reset': ({ url, validUntil }) => ({
    subject: 'Choose a new password',
    paragraphs: ['Somebody has asked for a new password for your account at Leaver.'],
    action: { label: 'Choose a new password', url },
    closing: [
      `The link works once, until ${validUntil}.`,
      'If you have not asked for it, you can ignore this mail. Your password stays as it is.',
    ],
  }),
  'email-confirmation': ({ url, validUntil }) => ({
    subject: 'Confirm your email address',
    paragraphs: [
      'Somebody has asked to use this email address for an account at Leaver.',
      'Confirm it if this was you. Until then the former address stays in use.',
    ],
    action: { label: 'Confirm this address', url },
    closing: [`The link works once, until ${validUntil}.`, 'If this was not you, you can ignore this mail.'],
  }),
  'email-change-requested': ({ at }) => ({
    subject: 'Another email address was asked for',
    paragraphs: [
      `On ${at}, another email address was asked for your account at Leaver.`,
      'The new address is used when it has been confirmed. Until then this one stays in use.',
    ],
    closing: [NOT_YOU],
  }),
  'email-changed': ({ at }) => ({
    subject: 'Your email address was changed',
    paragraphs: [
      `Since ${at}, your account at Leaver uses another email address.`,
      'This address gets no further mails about the account and cannot be used to sign in.',
    ],
    closing: [NOT_YOU],
  }),
  'email-now-used': ({ at }) => ({
    subject: 'Your account uses this email address',
    paragraphs: [
      `Since ${at}, your account at Leaver uses this email address.`,
      'You sign in with it, and get mails about the account here.',
    ],
    closing: [NOT_YOU],
  }),
  'password-changed': ({ at }) => ({
    subject: 'Your password was changed',
    paragraphs: [`On ${at}, the password of your account at Leaver was changed.`, 'Your other sessions have ended.'],
    closing: [NOT_YOU],
  }),
  'sign-in-method-added': ({ at, method }) => ({
    subject: 'There is a new way to sign in',
    paragraphs: [`On ${at}, ${methodNames[method]} was added to your account at Leaver. It can be used to sign in.`],
    closing: [NOT_YOU],
  }),
  'sign-in-method-removed': ({ at, method }) => ({
    subject: 'A way to sign in was removed',
    paragraphs: [
      `On ${at}, ${methodNames[method]} was removed from your account at Leaver. It cannot be used to sign in any more.`,
    ],
    closing: [NOT_YOU],
  }),
};
