import { CallAdmission, CallVerifier, type Admitted, type IncomingCall } from '#libs/broker';
import { mayCall, NOBODY, Problem } from '#libs/contracts';
import { Log, Metrics } from '#libs/observability';
import { Inject, Injectable } from '@nestjs/common';
import { Principals } from './principals.js';

/** Injection token: what happens to calls of versions that do not sign. */
export const UNSIGNED_CALLS = Symbol('UNSIGNED_CALLS');
export type UnsignedCalls = 'refuse' | 'allow';

/**
 * Admits calls that a service has signed which may make them. On whose behalf they are made follows from the token, which
 * is verified here once more.
 */
@Injectable()
export class SignedCalls extends CallAdmission {
  private readonly refused;
  private readonly unsigned;

  constructor(
    private readonly verifier: CallVerifier,
    private readonly principals: Principals,
    private readonly log: Log,
    metrics: Metrics,
    @Inject(UNSIGNED_CALLS) private readonly unsignedCalls: UnsignedCalls,
  ) {
    super();
    this.refused = metrics.counter(
      'leaver_calls_refused_total',
      'Calls without a valid signature, or of a service that may not make them.',
      ['reason'],
    );
    this.unsigned = metrics.counter('leaver_calls_unsigned_total', 'Unsigned calls that CALLS_UNSIGNED allowed.');
  }

  override async admit(call: IncomingCall): Promise<Admitted> {
    const signed = this.verifier.verify(call.signature, call);
    if ('fault' in signed) {
      if (signed.fault !== 'unsigned' || this.unsignedCalls !== 'allow') throw this.refusal(call, signed.fault);
      this.unsigned.inc();
      return { unsigned: true };
    }
    const { caller } = signed;
    const { operation, ask } = call.handler;
    if (!mayCall((operation ?? ask)?.calledBy ?? [], caller) || !namesCaller(call, caller))
      throw this.refusal(call, 'not-allowed', caller);
    const concernsUser = operation ? operation.access !== 'public' : ask?.onBehalf === true;
    return { caller, principal: concernsUser ? await this.principalOf(call) : NOBODY };
  }

  private principalOf({ authorization }: IncomingCall) {
    const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
    if (!token) throw new Problem('unauthenticated');
    return this.principals.ofAccessToken(token, { fromService: true });
  }

  /** For the caller a service that does not accept its calls is one that does not work: its own token may be fine. */
  private refusal({ subject }: IncomingCall, reason: string, caller?: string): Problem {
    this.refused.inc({ reason });
    this.log.warn({ subject, reason, caller }, 'a call was refused');
    const service = subject.split('.')[1];
    return new Problem('service-unavailable', { service, detail: `The service refuses the call (${reason}).` });
  }
}

/** Whether the subject is the one of the service that has signed the call, if each service has one of its own. */
const namesCaller = ({ handler: { ask }, subject }: IncomingCall, caller: string): boolean =>
  !ask?.subject.endsWith('.*') || subject.split('.').at(-1) === caller;
