/** A change of the translated source of one file in a build for a fault run. */
export interface Edit {
  /** The end of the file's path. */
  file: string;
  /** A regular expression. The build fails if the file does not contain it. */
  from: string;
  to: string;
}

/** Publishes unanswered events again after seconds. */
export const REPUBLISHES_SOON: Edit = {
  file: 'outbox/src/relay.ts',
  from: 'REPUBLISH_DELAYS_MS = \\[[^\\]]*\\]',
  to: 'REPUBLISH_DELAYS_MS = [1500, 2500, 4000, 4000]',
};

/** Shorter delays, so that a thousand faults fit into minutes, small chunks, and a clock with an adjustable offset. */
export const QUICKER: readonly Edit[] = [
  REPUBLISHES_SOON,
  { file: 'broker/src/streams.ts', from: 'ACK_WAIT = \\S+;', to: 'ACK_WAIT = 3000;' },
  {
    file: 'jobs/src/retry-delay.ts',
    from: 'RETRY_DELAYS_MS = \\[[^\\]]*\\]',
    to: 'RETRY_DELAYS_MS = [200, 500, 1000, 1000, 2000, 2000, 2000]',
  },
  { file: 'jobs/src/due.ts', from: 'CLOCK_TOLERANCE_MS = \\S+;', to: 'CLOCK_TOLERANCE_MS = 1000;' },
  { file: 'lifecycle/src/run/row-budget.ts', from: 'perPerson: \\d\\S+,', to: 'perPerson: 6,' },
  { file: 'lifecycle/src/receive/decision-application.ts', from: 'FIRST_CHUNK = \\S+;', to: 'FIRST_CHUNK = 4;' },
  { file: 'store/departure-claims.ts', from: 'LEASE_MS = \\S+;', to: 'LEASE_MS = 3000;' },
  { file: 'store/departure-claims.ts', from: 'delaysMs: \\[\\s*2_?000\\s*\\]', to: 'delaysMs: [300]' },
  { file: 'identity/src/mail/mail.worker.ts', from: 'LEASE_MS = \\S+;', to: 'LEASE_MS = 3000;' },
  { file: 'notifications/src/mail/mail.worker.ts', from: 'LEASE_MS = \\S+;', to: 'LEASE_MS = 3000;' },
  { file: 'notifications/src/mail/mail.worker.ts', from: '(?<=\\W)TIMEOUT_MS = \\S+;', to: 'TIMEOUT_MS = 2500;' },
  {
    file: 'notifications/src/mail/mail.worker.ts',
    from: '(?<=MINUTE,\\s*HOUR\\s*\\] = )\\[[^\\]]*\\]',
    to: '[300, 1000]',
  },
  {
    file: 'database/src/clock.ts',
    from: 'return new Date\\(\\)',
    to: 'return new Date(Date.now() + (globalThis.clockOffset ?? 0))',
  },
];
