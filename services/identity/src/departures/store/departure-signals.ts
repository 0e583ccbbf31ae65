import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

interface Signals {
  /** All services of a departure have answered, so its proof is due. */
  answered: [];
  /** A notification is due. */
  announced: [];
}

/** Wakes the workers of this process after a commit that creates work for them. They also poll. */
@Injectable()
export class DepartureSignals extends EventEmitter<Signals> {}
