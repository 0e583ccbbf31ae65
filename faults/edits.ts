/** A change of the translated source of one file, made while a process of a fault run loads it. */
export interface Edit {
  /** The end of the file's path. */
  file: string;
  /** A regular expression; a file that doesn't contain it stops the process. */
  from: string;
  to: string;
}

/** Events that nobody has answered are published again after seconds. */
export const REPUBLISHES_SOON: Edit = {
  file: 'broker/src/outbox/relay.ts',
  from: 'LADDER = \\[[^\\]]*\\]',
  to: 'LADDER = [1500, 2500, 4000, 4000]',
};

/** The same machinery with shorter pauses, so that a thousand faults fit into minutes, and a clock that can be moved. */
export const QUICKER: readonly Edit[] = [
  REPUBLISHES_SOON,
  { file: 'broker/src/streams.ts', from: 'ACK_WAIT = \\S+;', to: 'ACK_WAIT = 3000;' },
  {
    file: 'lifecycle/src/failures.ts',
    from: 'RETRY_DELAYS = \\[[^\\]]*\\]',
    to: 'RETRY_DELAYS = [200, 500, 1000, 1000, 2000, 2000, 2000]',
  },
  { file: 'lifecycle/src/row-budget.ts', from: 'perPerson: \\d\\S+,', to: 'perPerson: 6,' },
  { file: 'lifecycle/src/settlement.ts', from: 'FIRST_CHUNK = \\S+;', to: 'FIRST_CHUNK = 4;' },
  { file: 'departures/closing.worker.ts', from: 'LEASE = \\S+;', to: 'LEASE = 3000;' },
  { file: 'departures/closing.worker.ts', from: 'PATIENCE = \\S+;', to: 'PATIENCE = 300;' },
  {
    file: 'database/src/clock.ts',
    from: 'return new Date\\(\\)',
    to: 'return new Date(Date.now() + (globalThis.clockOffset ?? 0))',
  },
];
