import { decodeProtectedHeader } from 'jose';
import type { Facts } from '../recording.js';
import { HarborPine } from './harbor-pine.js';
import { Keystone } from './keystone.js';
import { Lakeside } from './lakeside.js';
import { Quillon } from './quillon.js';
import type { World } from './world.js';

/**
 * Eight weeks of an installation with four accounts, one of each preset. At the end it has departures in every state.
 * @param home a folder for the command line
 */
export async function live(world: World, facts: Partial<Facts>, home: string): Promise<void> {
  Object.assign(facts, { certificates: [], newcomers: [] });
  const harborPine = new HarborPine(world, facts, 'crm');
  const quillon = new Quillon(world, facts, 'helpdesk');
  const lakeside = new Lakeside(world, facts, 'texting');
  const keystone = new Keystone(world, facts, 'calls');
  const companies = [harborPine, quillon, lakeside, keystone];
  await Promise.all(companies.map((company) => company.open()));

  await world.pass(2);
  await harborPine.leaveAndReturn();
  await quillon.deleteSamuel();
  await lakeside.provision();
  await keystone.configure();
  await publishUndecodable(world);
  await world.pass(8);
  await harborPine.checkReturn();
  await rotateSigningKey(world, harborPine.owner, home);
  await world.pass(10);
  await keystone.deleteFatima();
  await world.pass(10);
  await quillon.supersede();
  await quillon.delayEffects();
  await harborPine.holdEffects();
  await world.pass(10);
  await harborPine.leaveWithUndo();
  await quillon.subscribeWebhook();
  await world.pass(17);

  await quillon.failAndRetry();
  await harborPine.schedule();
  await keystone.startLeave();
  lakeside.nameNewcomers();
  await quillon.interrupt();
  await harborPine.issueTokens();
  facts.accounts = await Promise.all(
    companies.map(async ({ preset, owner }) => ({
      ...{ preset, owner, departures: await world.departures(await world.as(owner)) },
    })),
  );
}

/** Rotates the signing key and waits until identity signs with the new one. */
async function rotateSigningKey({ system, checkout }: World, owner: string, home: string): Promise<void> {
  const env = { LEAVER_HOME: home, ...system.operator };
  const { exitCode, messages, out } = await checkout.leaver(['rotate-signing-key', '--json'], env);
  if (exitCode !== 0) throw new Error(`the signing key could not be rotated: ${messages}`);
  const { kid } = JSON.parse(out) as { kid: string };
  system.advanceDays(1 / 24);
  await checkout.eventually(async () => {
    const login = { email: owner, password: checkout.DEMO_PASSWORD };
    const { accessToken } = await system.api().post<{ accessToken: string }>('/v1/auth/login', login);
    return decodeProtectedHeader(accessToken).kid === kid;
  });
}

/** Every service keeps the message as a dead letter. */
async function publishUndecodable(world: World): Promise<void> {
  const { system, checkout } = world;
  const nats = await checkout.connectNats({ url: system.brokerUrl(checkout.streamsUser), name: 'recorder' });
  nats.publish('user.updated.nobody.nobody', 'no JSON');
  await nats.close();
  for (const service of checkout.services.filter((name) => name !== 'identity'))
    await checkout.eventually(async () => (await world.query(service, 'select from dead_letter')).length === 1);
}
