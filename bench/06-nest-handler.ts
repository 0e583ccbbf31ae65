import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { ormOptions } from '#libs/database';
import { lastValueFrom } from 'rxjs';
import { Contact } from '../services/contacts/src/contact/contact.entity.js';
import { Filter } from '../services/contacts/src/filter/filter.entity.js';
import { CrmRecord } from '../services/contacts/src/record/record.entity.js';
import { Segment } from '../services/contacts/src/segment/segment.entity.js';
import { compareRates, inTurn, type Measure } from './support/measure.js';
import { directoryOf, personId } from './support/people.js';
import { withNats } from './support/stage.js';
import { engine } from './05-leavers.js';
import { contacts } from './scenes/contacts.js';

interface UserDeleted {
  userId: string;
  successorId: string;
}

/** A handler as in the documentation of Nest and MikroORM: load, change, flush. */
const handlerOf = (orm: MikroORM) => {
  @Controller()
  class ContactsController {
    @MessagePattern('person.deleted')
    async userDeleted(@Payload() { userId, successorId }: UserDeleted): Promise<boolean> {
      const em = orm.em.fork() as EntityManager;
      for (const contact of await em.find(Contact, { assignee: userId })) contact.assignee = null;
      for (const record of await em.find(CrmRecord, { ownerId: userId })) record.ownerId = successorId;
      for (const segment of await em.find(Segment, { ownerId: userId })) em.remove(segment);
      for (const filter of await em.find(Filter, { ownerId: userId })) {
        if (filter.visibility === 'public') filter.ownerId = successorId;
        else em.remove(filter);
      }
      await em.flush();
      return true;
    }
  }
  return ContactsController;
};

/** The other side handles only some of the 10,000 leavers: it takes the same time for each. */
export const nestHandler: Measure = {
  number: 6,
  name: 'nest-handler',
  run: async (bench) => {
    const { stage, size } = bench;
    const [people, some] = [size(10_000), size(400)];
    const { name, migrations } = contacts.parts;
    const template = await stage.template(name, migrations, [directoryOf(people), ...contacts.rows(people)]);
    const { ours, theirs } = await withNats(stage, (nats) =>
      inTurn(bench, 2, {
        ours: engine(contacts, people, () => template.copy(), nats),
        theirs: {
          prepare: async () => {
            const copy = await template.copy();
            const orm = await MikroORM.init(ormOptions(copy.url, contacts.parts.entities));
            const options = { servers: [stage.natsUrl.replace('nats://', '')] };
            const controllers = [handlerOf(orm)];
            const app = await NestFactory.createMicroservice<MicroserviceOptions>(
              { module: class HandlerModule {}, controllers },
              { transport: Transport.NATS, options, logger: false },
            );
            await app.listen();
            const client = ClientProxyFactory.create({ transport: Transport.NATS, options });
            return { copy, orm, app, client };
          },
          run: async ({ client }) => {
            for (let n = 1; n <= some; n++) {
              const event: UserDeleted = { userId: personId(n), successorId: personId(0) };
              await lastValueFrom(client.send('person.deleted', event));
            }
            return some;
          },
          finish: async ({ copy, orm, app, client }) => {
            await client.close();
            await app.close();
            await orm.close(true);
            await copy.drop();
          },
        },
      }),
    );
    const words = {
      what: `${people.toLocaleString('en')} leavers with 50 rows: contacts`,
      against: 'Nest handler with the ORM, one event at a time',
      goal: { atLeast: 20 },
    };
    return [compareRates(words, ours, theirs, 'leavers')];
  },
};
