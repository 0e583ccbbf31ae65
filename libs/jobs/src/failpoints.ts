/** The points at which a fault run can inject a failure: wherever something is committed or published. */
export type FailpointName =
  | 'call.commit'
  | 'relay.publish'
  | 'session.announce'
  | 'session.feed'
  | 'receive.commit'
  | 'receive.acknowledge'
  | 'receipt.send'
  | 'receipt.fold'
  | 'chunk.commit'
  | 'departure.close'
  | 'mail.request'
  | 'mail.send';

type Around = <T>(name: FailpointName, work: () => Promise<T>) => Promise<T>;

/** A failure that the parent process injects once at a failpoint. */
export interface Strike {
  failpoint: FailpointName;
  action: 'throw' | 'do-then-throw' | 'kill' | 'do-then-kill';
  /** The error's code. A SQLSTATE decides whether the error counts as transient. */
  code: string;
}

/**
 * Runs `work`. With LEAVER_FAILPOINTS set, the parent process can make it fail or kill the process, before or after the
 * work.
 */
export const failpoint: Around = process.env.LEAVER_FAILPOINTS ? armed() : (_name, work) => work();

function armed(): Around {
  const strikes: Strike[] = [];
  process.on('message', (message: Partial<Strike>) => {
    if (message.failpoint) strikes.push(message as Strike);
  });
  return async (name, work) => {
    const index = strikes.findIndex((strike) => strike.failpoint === name);
    if (index === -1) return work();
    const [strike] = strikes.splice(index, 1);
    if (strike!.action.startsWith('do-then-')) await work();
    return fail(strike!);
  };
}

function fail(strike: Strike): Promise<never> {
  const { failpoint: name, action, code } = strike;
  return new Promise((_resolve, reject) => {
    process.send!({ struck: strike }, () => {
      if (action.endsWith('kill')) process.kill(process.pid, 'SIGKILL');
      else reject(Object.assign(new Error(`struck at ${name}`), { code }));
    });
  });
}
