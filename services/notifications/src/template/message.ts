import type { DepartureTransition, SignInMethod } from '#libs/contracts';

/** What a mail says, before it is laid out. All texts are plain text. */
export interface Message {
  subject: string;
  paragraphs: readonly string[];
  /** What the reader can do. */
  action?: { label: string; url: string };
  /** Below the action, in smaller letters. */
  closing?: readonly string[];
}

/** What a mail is about. */
export interface MessageFacts {
  /** Present if the mail has a token. */
  url: string;
  /** Where people choose which mails they get. */
  settingsUrl: string;
  /** Until when the link is valid. */
  validUntil: string;
  /** When it happened. */
  at: string;
  method: SignInMethod | 'unknown';
  /** In mails about departures. */
  departure?: {
    transition: DepartureTransition;
    /** The name of the leaver, fit for showing. */
    leaver: string;
    effectiveAt: string;
    /** The rows that the reader has received. */
    received: number;
  };
  /** The name of the user who invites, fit for showing. */
  inviter?: string;
}
