/** A message as the carrier gets it. */
export interface Parcel {
  /** The same for every attempt: a carrier that has seen it must not send it again. */
  id: string;
  inboxId: string;
  /** E.164. */
  to: string;
  text: string;
}

/** `sent`: the carrier has it and says later what became of it. `failed`: it never will be delivered. */
export type Handover = 'sent' | 'delivered' | 'failed';

/** Who brings messages to phones. */
export abstract class Carrier {
  /** @throws PermanentError when it refuses the message; any other error when it may work another time */
  abstract hand(parcel: Parcel): Promise<Handover>;
}
