import { assertNoOpenTransaction } from '#libs/database';
import { PermanentError } from '#libs/jobs';
import { Carrier, type Handover, type Parcel } from './carrier.js';

const TIMEOUT = 15_000;
/** Refusals that say no more than "not now". */
const NOT_NOW = [408, 425, 429];

/**
 * Posts each message as JSON to an address of the operator's, with its id as `Idempotency-Key`. The answer may say
 * `{"status": "sent" | "delivered" | "failed"}`; any other 2xx means sent, a refusal (4xx) failed.
 */
export class HttpCarrier extends Carrier {
  constructor(
    private readonly url: string,
    private readonly token?: string,
  ) {
    super();
  }

  override async hand(parcel: Parcel): Promise<Handover> {
    assertNoOpenTransaction('carrier');
    const response = await fetch(this.url, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT),
      headers: {
        'content-type': 'application/json',
        'idempotency-key': parcel.id,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
      },
      body: JSON.stringify(parcel),
    });
    const answer = await response.text();
    if (response.ok) return saidIn(answer);
    throw response.status < 500 && !NOT_NOW.includes(response.status)
      ? new CarrierRefused(response.status)
      : new CarrierUnavailable(response.status);
  }
}

/** The carrier never takes this message. */
class CarrierRefused extends PermanentError {
  readonly code: string;

  constructor(status: number) {
    super('The carrier refused the message');
    this.code = `HTTP_${status}`;
  }
}

/** The carrier is there, but does not take anything right now. */
class CarrierUnavailable extends Error {
  readonly code: string;

  constructor(status: number) {
    super('The carrier did not take the message');
    this.code = `HTTP_${status}`;
  }
}

function saidIn(answer: string): Handover {
  try {
    const { status } = JSON.parse(answer) as { status?: unknown };
    return status === 'delivered' || status === 'failed' ? status : 'sent';
  } catch {
    return 'sent';
  }
}
