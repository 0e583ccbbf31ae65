import { sql } from 'kysely';
import { ALL_OPERATIONS, fieldTypes, type Operation, type Principal } from '#libs/contracts';
import type { TestService } from './test-service.js';

/** Fields with the user whose row it is. */
const OWNERS = ['ownerId', 'userId', 'assigneeId', 'assignee', 'operatorId', 'installedBy', 'destinationUserId'];

export interface Cast {
  service: TestService;
  owner: Principal;
  receiver: Principal;
}

export interface HandedOver {
  /** The body of the POST that makes a row of the owner. */
  body: object | ((cast: Cast) => object | Promise<object>);
  /** Who makes the row and may hand it over: the owner, or only a manager. */
  by?: 'manager';
  /** Every user may hand over every row that they see. */
  everybody?: true;
  /** What the PATCH returns besides the new owner. */
  leaves?: object;
}

type Anything = Operation<object, object, object>;

const operation = (id: string) => ALL_OPERATIONS.find((one) => one.id === id) as Anything;

/** The field of a PATCH that names the user whose row it becomes. */
const ownerIn = ({ body }: Pick<Operation, 'body'>) => OWNERS.find((name) => body && fieldTypes(body).has(name));

/** The resources of a service whose PATCH changes the user whose row it is. */
const handedOver = (service: string): string[] =>
  ALL_OPERATIONS.filter((one) => one.service === service && one.method === 'PATCH' && ownerIn(one)).map(({ id }) =>
    id.slice(0, id.lastIndexOf('.')),
  );

/** Tests that rows of all resources of a service can be handed over, by whom and to whom. */
export function handsOver(name: string, start: () => Promise<TestService>, table: Record<string, HandedOver>): void {
  describe(`what belongs to users of ${name}`, () => {
    let service: TestService;
    let cast: Cast & { colleague: Principal; manager: Principal };
    beforeAll(async () => {
      service = await start();
    });
    afterAll(() => service.stop());
    beforeEach(async () => {
      const owner = await service.person();
      const { accountId } = owner;
      const [receiver, colleague] = [await service.person({ accountId }), await service.person({ accountId })];
      const manager = await service.person({ accountId, roles: ['admin'] });
      cast = { service, owner, receiver, colleague, manager };
    });

    it('is in the table of this test if a PATCH names its owner', () => {
      expect(Object.keys(table).sort()).toEqual(handedOver(name).sort());
    });

    describe.each(Object.entries(table))('%s:', (resource, { body, by, everybody, leaves = {} }) => {
      const update = operation(`${resource}.update`);
      const field = ownerIn(update)!;
      const giver = () => (by === 'manager' ? cast.manager : cast.owner);
      const give = (caller: Principal, id: string, to: Principal) =>
        service.call(caller, update, { params: { id }, body: { [field]: to.userId } });
      const make = async () => {
        const fields = typeof body === 'function' ? await body(cast) : body;
        const named = { ...fields, ...(giver() !== cast.owner && { [field]: cast.owner.userId }) };
        return (await service.call(giver(), operation(`${resource}.create`), { body: named })) as { id: string };
      };

      it('the owner or a manager hands it over', async () => {
        const { id, ...made } = await make();
        const view = { id: cast.receiver.userId, status: 'active' };
        const shown = field.endsWith('Id') ? { [field]: view.id, [field.slice(0, -2)]: view } : { [field]: view };
        const { secret: _, ...stays } = made as { secret?: string };
        const given = await give(giver(), id, cast.receiver);
        expect(given).toMatchObject({ ...stays, ...shown, ...leaves });
        expect(given).not.toHaveProperty('secret');
      });

      it('a colleague takes it only if everybody may', async () => {
        const { id } = await make();
        const taken = give(cast.colleague, id, cast.colleague);
        if (everybody) expect(await taken).toMatchObject({ id });
        else await expect(taken).rejects.toMatchObject({ code: expect.stringMatching(/^(forbidden|not-found)$/) });
      });

      it('nobody of another account finds it or gets it', async () => {
        const { id } = await make();
        const stranger = await service.person({ roles: ['owner'] });
        await expect(give(stranger, id, stranger)).rejects.toMatchObject({ code: 'not-found' });
        // Without identity, a user whom the directory of the service does not have cannot be looked up.
        const unknown = { code: expect.stringMatching(/^(unknown-user|service-unavailable)$/) };
        await expect(give(giver(), id, { ...stranger, userId: service.ids.next() })).rejects.toMatchObject(unknown);
      });

      it('nobody who has left gets it', async () => {
        const { id } = await make();
        await sql`update directory set status = 'deactivated' where user_id = ${cast.receiver.userId}`.execute(
          service.em().getKysely(),
        );
        const refused = { code: 'inactive-user', details: { items: [cast.receiver.userId] } };
        await expect(give(giver(), id, cast.receiver)).rejects.toMatchObject(refused);
      });
    });
  });
}
