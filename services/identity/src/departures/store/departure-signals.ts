import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

interface Signals {
  /** Every service has answered: the proof can be asked for. */
  answered: [];
  /** An event for subscribers is due. */
  announced: [];
}

/** Wakes the workers of this process when a committed change gives them something to do. They also poll. */
@Injectable()
export class DepartureSignals extends EventEmitter<Signals> {}
