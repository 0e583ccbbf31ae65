import {
  departureChoicesPreview,
  departurePreview,
  departuresGet,
  rulesList,
  usersDeactivate,
  usersDelete,
  usersReactivate,
  type ChoicesPreview,
  type Departure,
  type DeparturePreview,
  type DepartureRequest,
  type DepartureStatus,
  type PreviewedChoices,
  type Principal,
  type Reactivation,
  type Transition,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { ownerOf, TestIdentity } from './identity.js';
import { Peer } from './peer.js';

/** Identity and one other service. */
export class TestDepartures {
  private constructor(
    readonly identity: TestIdentity,
    readonly peer: Peer,
  ) {}

  static async start(): Promise<TestDepartures> {
    const identity = await TestIdentity.start({ silent: false });
    const departures = new TestDepartures(identity, await Peer.start(identity, 'telephony'));
    const principal = ownerOf(await identity.anAccount());
    await eventually(async () => {
      const { items } = await identity.call(rulesList, { principal });
      return items.some((rule) => rule.service === 'telephony');
    });
    return departures;
  }

  async stop(): Promise<void> {
    await this.peer.stop();
    await this.identity.stop();
  }

  preview(principal: Principal, id: string, transition: Transition): Promise<DeparturePreview> {
    return this.identity.call(departurePreview, { principal, params: { id }, query: { transition } });
  }

  /** Previews a request. */
  previewOf(principal: Principal, id: string, body: PreviewedChoices): Promise<ChoicesPreview> {
    return this.identity.call(departureChoicesPreview, { principal, params: { id }, body });
  }

  deactivate(principal: Principal, id: string, body: DepartureRequest = {}): Promise<Departure> {
    return this.identity.call(usersDeactivate, { principal, params: { id }, body });
  }

  delete(principal: Principal, id: string, body: DepartureRequest = {}): Promise<Departure> {
    return this.identity.call(usersDelete, { principal, params: { id }, body });
  }

  reactivate(principal: Principal, id: string, body: Reactivation = {}): Promise<Departure> {
    return this.identity.call(usersReactivate, { principal, params: { id }, body });
  }

  get(principal: Principal, id: string): Promise<Departure> {
    return this.identity.call(departuresGet, { principal, params: { id } });
  }

  /** Waits until the departure has this status. */
  async until(principal: Principal, { id }: Pick<Departure, 'id'>, status: DepartureStatus): Promise<Departure> {
    return eventually(async () => {
      const departure = await this.get(principal, id);
      if (departure.status !== status)
        throw new Error(`the departure is ${departure.status}: ${JSON.stringify(departure)}`);
      return departure;
    });
  }
}

/** The affected rows of all services, by rule, part and transition. */
export const affectedBy = ({ services }: Departure): Record<string, number> =>
  Object.fromEntries(
    services.flatMap(({ rules }) =>
      rules.map(({ rule, part, transition, affected }) => [
        [rule, part, transition].filter(Boolean).join(' '),
        affected,
      ]),
    ),
  );

export const countedBy = ({ rules }: Pick<DeparturePreview, 'rules'>): Record<string, number> =>
  Object.fromEntries(
    rules.map(({ rule, part, transition, count }) => [[rule, part, transition].filter(Boolean).join(' '), count]),
  );
