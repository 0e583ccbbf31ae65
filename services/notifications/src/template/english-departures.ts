import type { DepartureMailKind, DepartureTransition } from '#libs/contracts';
import type { Message, MessageFacts } from './message.js';

const NAMES: Record<DepartureTransition, string> = {
  deactivated: 'deactivation',
  deleted: 'deletion',
  reactivated: 'return',
  transferred: 'take-over',
  reassigned: 'hand-over',
};

type Departure = NonNullable<MessageFacts['departure']>;

const UNKNOWN: Departure = { transition: 'deactivated', leaver: 'a user', effectiveAt: '', received: 0 };

/** "the deactivation of Ada Lovelace" */
const nameOf = ({ transition, leaver }: Departure): string => `${NAMES[transition]} of ${leaver}`;

/** A mail about a departure, which links to it and to the choice of mails. */
const about =
  (subject: string, paragraphsOf: (departure: Departure) => string[], label = 'Show the departure') =>
  ({ departure = UNKNOWN, url, settingsUrl }: MessageFacts): Message => ({
    subject,
    paragraphs: paragraphsOf(departure),
    action: { label, url },
    closing: [`You can choose which mails about departures you get: ${settingsUrl}`],
  });

/** The mails about departures in English. */
export const englishDepartures: Record<DepartureMailKind, (facts: MessageFacts) => Message> = {
  'departure-scheduled': about('A departure is scheduled', (departure) => [
    `The ${nameOf(departure)} is scheduled for ${departure.effectiveAt}.`,
    'Until then it can be changed or cancelled.',
  ]),
  'approval-wanted': about('A departure waits for your approval', (departure) => [
    `The ${nameOf(departure)} was requested and needs the approval of another manager.`,
    'Nothing happens until somebody approves or refuses it.',
  ]),
  'departure-completed': about('A departure is complete', (departure) => [
    `The ${nameOf(departure)} is complete. Every service has confirmed it.`,
  ]),
  'departure-failed': about('A departure has failed', (departure) => [
    `The ${nameOf(departure)} could not be completed.`,
    'The departure shows what has failed, and lets you try it again.',
  ]),
  handover: about(
    'You have received records of a colleague',
    ({ leaver, received }) => [
      `You have received ${received === 1 ? 'one record' : `${received} records`} of ${leaver}.`,
      'The report shows what they are, what needs a look, and which contacts to call.',
    ],
    'Show the report',
  ),
  'return-reminder': about('A colleague returns soon', ({ leaver, effectiveAt }) => [
    `The return of ${leaver} is scheduled for ${effectiveAt}.`,
    'Until then it can be changed or cancelled.',
  ]),
  'erasure-reminder': about('A user will be deleted soon', ({ leaver, effectiveAt }) => [
    `The policy of your account deletes ${leaver} on ${effectiveAt}.`,
    'Until then the deletion can be cancelled.',
  ]),
};
