import { assertNoOpenTransaction, Clock } from '#libs/database';
import { PermanentError, retryAfterMs } from '#libs/jobs';
import { Carrier, CarrierUnavailable, type Handover, type Parcel } from './carrier.js';

const TIMEOUT_MS = 15_000;
/** 4xx statuses that are temporary. */
const TEMPORARY = [408, 425, 429];

/**
 * Posts each message as JSON to the URL that the operator has configured, with its id as `Idempotency-Key`. The answer
 * can be `{"status": "sent" | "delivered" | "failed"}`. Any other 2xx means sent. 408, 425, 429 and 5xx are retried;
 * other 4xx mean failed. `Retry-After` with 429 and 503 is respected.
 */
export class HttpCarrier extends Carrier {
  override readonly isSandbox = false;

  constructor(
    private readonly clock: Clock,
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
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        'content-type': 'application/json',
        'idempotency-key': parcel.id,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
      },
      body: JSON.stringify(parcel),
    });
    const answer = await response.text();
    if (response.ok) return resultOf(answer);
    const { status, headers } = response;
    if (status < 500 && !TEMPORARY.includes(status)) throw new CarrierRefused(status);
    throw new CarrierUnavailable(status, retryAfterMs(status, headers.get('retry-after'), this.clock.now()));
  }
}

/** The carrier rejects this message for good. */
class CarrierRefused extends PermanentError {
  readonly code: string;

  constructor(status: number) {
    super('The carrier refused the message');
    this.code = `HTTP_${status}`;
  }
}

function resultOf(answer: string): Handover {
  try {
    const { status } = JSON.parse(answer) as { status?: unknown };
    return status === 'delivered' || status === 'failed' ? status : 'sent';
  } catch {
    return 'sent';
  }
}
