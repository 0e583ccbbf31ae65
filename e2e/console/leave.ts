import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import type { Locator } from 'playwright-core';
import type { Json } from '../support/api.js';
import { anAccount, contactsCsv, PASSWORD, type Cast, type Member } from '../support/cast.js';
import type { Stage, Visit } from './kit/stage.js';

/** The departure wizard. */
export function leaveTests(stage: () => Stage): void {
  let texting: Cast;
  let calls: Cast;
  let crm: Cast;

  /** Live chats, a segment, a private dashboard and a number of somebody. */
  async function give({ api, id }: Member): Promise<void> {
    for (let n = 0; n < 3; n++) await api.post('/v1/live-chats', { visitor: `Visitor ${n}`, operatorId: id });
    await api.post('/v1/segments', { name: 'Freshmen', definition: { grade: 9 } });
    await api.post('/v1/dashboards', { name: 'My numbers', shared: false });
    await api.post('/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } });
  }

  beforeAll(async () => {
    const { system } = stage();
    [texting, calls, crm] = [
      await anAccount(system, 'texting'),
      await anAccount(system, 'calls'),
      await anAccount(system, 'crm'),
    ];
    for (const cast of [texting, calls, crm]) await give(cast.ada);
    await give(texting.ben);
    await crm.owner.api.upload('/v1/contact-imports', contactsCsv([crm.ben], 1));
    const { items: contacts } = await crm.owner.api.get<{ items: Json[] }>('/v1/contacts');
    const inbox = await crm.ben.api.post('/v1/inboxes', { kind: 'personal', name: 'Ben' });
    await crm.ben.api.post('/v1/messages', { inboxId: inbox.id, contactIds: [contacts[0]!.id], text: 'Hello' });
    const number = { e164: '+14155550199', kind: 'personal', ownerId: calls.ada.id };
    await calls.ada.api.post('/v1/numbers', number);
  });

  const open = (cast: Cast, leaver: Member, step = '') =>
    stage().openAs(cast.owner, `/people/${leaver.id}/leave${step && `?step=${step}`}`);
  const choose = async ({ page }: Visit, what: string) => {
    await page.getByRole('radio', { name: new RegExp(`^${what}\\b`) }).check();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: /^What happens when/ }).waitFor();
  };
  const goOn = ({ page }: Visit) => page.getByRole('complementary').getByRole('button', { name: 'Continue' }).click();
  const action = ({ page }: Visit, label: string) => page.getByRole('combobox', { name: `What happens to ${label}` });

  describe('the departure wizard', () => {
    it('deactivates somebody with other choices than the policy, counted as they change', async () => {
      const visit = await open(texting, texting.ada);
      const { page } = visit;
      await page.getByRole('heading', { name: `What should happen to ${texting.ada.name}?` }).waitFor();
      await visit.look('leave-what');
      await choose(visit, 'Deactivate');
      const row = page.getByRole('row', { name: /^Live chats/ });
      await row.getByRole('button', { name: '3 Live chats, show them' }).click();
      await page.getByRole('dialog', { name: 'Live chats: 3' }).getByText('Visitor 2').waitFor();
      await visit.look('leave-rows');
      await page.getByRole('button', { name: 'Close' }).click();
      await action(visit, 'Live chats').selectOption('Transfer');
      await row.getByText('Policy: Unassign').waitFor();
      await row.getByRole('button', { name: /^Live chats: .*change/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Who gets Live chats?' });
      await dialog.getByRole('option', { name: /Ada Oftexting.*The one who is leaving/ }).waitFor();
      await visit.look('leave-who');
      await page.keyboard.type('cleo');
      const others = dialog.getByRole('listbox').getByRole('option').filter({ hasNotText: 'Cleo' });
      await others.first().waitFor({ state: 'detached' });
      await page.keyboard.press('Enter');
      await row.getByText(texting.cleo.name).waitFor();
      await page.getByText('1 choice differs from the policy').waitFor();
      await visit.look('leave-choose');
      await goOn(visit);
      await page.getByRole('button', { name: `Deactivate ${texting.ada.name}` }).waitFor();
      await visit.look('leave-confirm');
      await page.getByRole('button', { name: `Deactivate ${texting.ada.name}` }).click();
      await page.getByRole('heading', { name: `${texting.ada.name} is leaving` }).waitFor();
      await visit.look('leave-done');
      const { items } = await texting.owner.api.get<{ items: Json[] }>(`/v1/departures?userId=${texting.ada.id}`);
      await eventually(async () => {
        const { services } = await texting.owner.api.get<{ services: { rules: Json[] }[] }>(
          `/v1/departures/${items[0]!.id}`,
        );
        const receipts = services.flatMap(({ rules }) => rules);
        expect(receipts.find(({ rule }) => rule === 'messaging.live-chats')).toMatchObject({
          ...{ action: 'transfer', affected: 3, transferredTo: texting.cleo.id },
        });
      });
    });

    it('works with the keyboard alone, and sends a text to the contacts if chosen', async () => {
      const visit = await open(crm, crm.ben);
      const { page } = visit;
      const tabTo = async (target: Locator) => {
        for (let n = 0; n < 80 && (await target.and(page.locator(':focus')).count()) === 0; n++)
          await page.keyboard.press('Tab');
        await target.and(page.locator(':focus')).waitFor();
      };
      const press = async (target: Locator) => {
        await tabTo(target);
        await page.keyboard.press('Enter');
      };
      await page.getByRole('radio', { name: /^Deactivate/ }).waitFor();
      await press(page.getByRole('button', { name: 'Continue' }));
      await page.getByRole('heading', { name: '1 contact to tell' }).waitFor();
      await tabTo(page.getByRole('checkbox', { name: /^Send it when the departure begins/ }));
      await page.keyboard.press('Space');
      await visit.look('leave-tell');
      await page.evaluate('document.activeElement.blur()');
      await press(page.getByRole('complementary').getByRole('button', { name: 'Continue' }));
      await page.getByText('Contacts are told').waitFor();
      const sent = page.waitForRequest((request) => request.url().endsWith('/deactivate'));
      await press(page.getByRole('button', { name: `Deactivate ${crm.ben.name}` }));
      const { tellContacts } = (await sent).postDataJSON() as { tellContacts: Json };
      expect(tellContacts.text).toContain(`${crm.ben.name} is leaving us.`);
      await page
        .getByRole('heading', { name: `${crm.ben.name} is leaving` })
        .and(page.locator(':focus'))
        .waitFor();
    });

    it('deletes somebody only after their name has been typed', async () => {
      const visit = await open(texting, texting.ben);
      const { page } = visit;
      await choose(visit, 'Delete');
      await page.getByRole('row', { name: /^Segments/ }).waitFor();
      await visit.look('leave-choose-deletion');
      await goOn(visit);
      const submit = page.getByRole('button', { name: `Delete ${texting.ben.name}` });
      await page.getByRole('heading', { name: 'Can’t be undone' }).waitFor();
      await submit.click();
      await page.getByText('This is not the name.').waitFor();
      await visit.look('leave-confirm-deletion');
      await page.getByRole('textbox', { name: /^Type/ }).fill(texting.ben.name);
      await submit.click();
      await page.getByRole('heading', { name: `${texting.ben.name} is leaving` }).waitFor();
    });

    it('shows what has changed when the plan is no longer what was looked at', async () => {
      const visit = await open(crm, crm.ada);
      const { page } = visit;
      await choose(visit, 'Deactivate');
      await page.getByRole('row', { name: /^Live chats/ }).waitFor();
      await goOn(visit);
      const submit = page.getByRole('button', { name: `Deactivate ${crm.ada.name}` });
      await submit.waitFor();
      await crm.owner.api.put('/v1/policy', { overrides: { 'messaging.live-chats': { deactivated: 'keep' } } });
      await submit.click();
      const alert = page.getByRole('alert').filter({ hasText: 'Something has changed since you looked' });
      await alert.getByText('Live chats').waitFor();
      await visit.look('leave-stale');
      await submit.click();
      await page.getByRole('heading', { name: `${crm.ada.name} is leaving` }).waitFor();
    });

    it('names what prevents it, with a way out', async () => {
      const visit = await open(calls, calls.ada);
      const { page } = visit;
      await choose(visit, 'Delete');
      await page.getByRole('alert').getByRole('button', { name: 'Transfer the numbers' }).waitFor();
      await visit.look('leave-blocked');
      await page.getByRole('button', { name: 'Transfer the numbers' }).click();
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await goOn(visit);
      await page.getByRole('button', { name: `Delete ${calls.ada.name}` }).waitFor();
    });

    it('offers a deactivation where the policy wants one first, and another owner where there is only one', async () => {
      const visit = await open(crm, crm.cleo);
      await choose(visit, 'Delete');
      await visit.page.getByRole('button', { name: 'Deactivate instead' }).click();
      await visit.page.getByRole('heading', { name: `What happens when ${crm.cleo.name} is deactivated` }).waitFor();
      await visit.page.goto(`/people/${crm.owner.id}/leave?step=choose`);
      await visit.page.getByRole('link', { name: 'See the people' }).waitFor();
      await visit.look('leave-only-owner');
    });

    it('keeps the choices when the page is closed, and when the session ends in between', async () => {
      const visit = await open(calls, calls.ben);
      const { page } = visit;
      await choose(visit, 'Deactivate');
      const kept = page.waitForResponse((response) => response.request().method() === 'PUT' && response.ok());
      await page.getByRole('button', { name: /^Who takes over:/ }).click();
      await page.getByRole('option', { name: /Dan Ofcalls/ }).click();
      await kept;
      await page.reload();
      await page.getByRole('button', { name: new RegExp(`^Who takes over: .*${calls.dan.name}`) }).waitFor();
      await calls.ada.api.delete(`/v1/users/${calls.owner.id}/sessions`).catch((refused: unknown) => refused);
      await page.context().clearCookies();
      await page.getByRole('button', { name: /^Who takes over:/ }).click();
      await page.getByRole('combobox', { name: /person, a team/ }).fill('ada');
      const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
      await dialog.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
      await dialog.getByRole('button', { name: 'Sign in and go on' }).click();
      await page.getByRole('option', { name: /Ada Ofcalls/ }).click();
      await page.getByRole('button', { name: new RegExp(`^Who takes over: .*${calls.ada.name}`) }).waitFor();
    });

    it('schedules a leave with a day of return, and refuses days that make no sense', async () => {
      const visit = await open(calls, calls.dan);
      const { page } = visit;
      await page.getByRole('radio', { name: 'On a day' }).check();
      await page.getByRole('checkbox', { name: 'They come back on a day' }).check();
      await page.getByLabel('Day and time').fill('2099-03-02T09:00');
      await page.getByLabel('Day of return').fill('2099-03-01T09:00');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText('The day of return must be after the day of leaving.').waitFor();
      await visit.look('leave-days');
      await page.getByLabel('Day of return').fill('2099-04-01T09:00');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('row', { name: /^Sessions/ }).waitFor();
      await goOn(visit);
      await page.getByRole('button', { name: `Schedule the deactivation of ${calls.dan.name}` }).click();
      await page.getByRole('heading', { name: `The departure of ${calls.dan.name} is scheduled` }).waitFor();
    });

    it('says which service does not answer, and tries again', async () => {
      const visit = await open(calls, calls.cleo);
      const { page } = visit;
      await page.route('**/departure-preview', (route) =>
        route.fulfill({
          ...{ status: 503, contentType: 'application/problem+json' },
          body: JSON.stringify({ code: 'service-unavailable', status: 503, title: 'x', service: 'telephony' }),
        }),
      );
      await choose(visit, 'Deactivate');
      await page.getByRole('alert').getByText('“Phone” does not answer at the moment.').waitFor();
      await visit.look('leave-unavailable');
      await page.unroute('**/departure-preview');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('row', { name: /^Sessions/ }).waitFor();
    });

    it('suspends somebody at once', async () => {
      const visit = await open(calls, calls.cleo);
      await visit.page.getByRole('radio', { name: /^Suspend/ }).check();
      await visit.page.getByRole('button', { name: `Suspend ${calls.cleo.name} now` }).click();
      await visit.page.getByRole('status').getByText(`${calls.cleo.name} is suspended.`).waitFor();
      expect(await calls.owner.api.get(`/v1/users/${calls.cleo.id}`)).toMatchObject({
        suspendedAt: expect.any(String),
      });
    });
  });
}
