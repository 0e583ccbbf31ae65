/** A message for the carrier. */
export interface Parcel {
  /** The same for every attempt. A carrier that has received the id before must not send the message again. */
  id: string;
  inboxId: string;
  /** The number to send from, in E.164 format, if it is not the one of the inbox: for example one in quarantine. */
  from?: string;
  /** Phone number in E.164 format. */
  to: string;
  text: string;
}

/** `sent`: the carrier has accepted it and reports the delivery later. `failed`: it will never be delivered. */
export type Handover = 'sent' | 'delivered' | 'failed';

/** The carrier temporarily accepts no messages. */
export class CarrierUnavailable extends Error {
  readonly code: string;

  /** @param retryAfterMs milliseconds for which the carrier asks to get no messages; 0 if it says nothing */
  constructor(
    status: number,
    readonly retryAfterMs: number,
  ) {
    super('The carrier did not accept the message');
    this.code = `HTTP_${status}`;
  }
}

/**
 * When to try again: not before the carrier takes messages again, if it says when.
 * @param error of the attempt
 * @param longestMs the longest wait for the carrier
 */
export function retryWithCarrier(retryAt: Date, error: unknown, now: Date, longestMs: number): Date {
  const wanted = error instanceof CarrierUnavailable ? error.retryAfterMs : 0;
  return new Date(Math.max(retryAt.getTime(), now.getTime() + Math.min(wanted, longestMs)));
}

/** Sends text messages to phones. */
export abstract class Carrier {
  /** Whether messages are only stored and reach nobody. */
  abstract readonly isSandbox: boolean;

  /**
   * @throws PermanentError if the carrier rejects the message; CarrierUnavailable or any other error if a later attempt can
   * succeed
   */
  abstract hand(parcel: Parcel): Promise<Handover>;
}
