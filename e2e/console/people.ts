import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { anAccount, PASSWORD, type Cast } from '../support/cast.js';
import type { Stage } from './kit/stage.js';

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  'نورة الخطيب',
  '=HYPERLINK("https://evil.example")',
  `Maximiliane ${'von und zu '.repeat(16)}Ende`,
  '👩🏽‍🚀 Zoë Ångström',
];

export function peopleTests(stage: () => Stage): void {
  let cast: Cast;
  const inDays = (days: number) => new Date(stage().system.clock.millis() + days * 86_400_000).toISOString();

  beforeAll(async () => {
    cast = await anAccount(stage().system, 'texting');
    const { api } = cast.owner;
    for (const [index, name] of HOSTILE.entries())
      await api.post('/v1/users', {
        name,
        email: `h${index}@hostile.example`,
        staffId: `H-${index}`,
        password: PASSWORD,
      });
    await api.post('/v1/users', { name: 'Ingrid Invited', email: 'ingrid@invited.example', staffId: 'INV-1' });
    await api.post(`/v1/users/${cast.cleo.id}/deactivate`, { effectiveAt: inDays(20) });
    await api.post(`/v1/users/${cast.dan.id}/deactivate`, { returnAt: inDays(30) });
    await api.put(`/v1/users/${cast.ada.id}/legal-hold`, { reason: 'A lawsuit' });
  });

  describe('people', () => {
    it('are listed by name, with the seats and what is worth knowing', async () => {
      const visit = await stage().openAs(cast.owner, '/people');
      const { page } = visit;
      await page.getByRole('row', { name: /Ada Oftexting/ }).waitFor();
      expect(await page.getByRole('row', { name: /Ada Oftexting/ }).textContent()).toContain('Legal hold');
      expect(await page.getByRole('meter', { name: 'Seats used' }).getAttribute('value')).toBe('10');
      expect(await page.getByRole('table', { name: 'Active people' }).getAttribute('aria-rowcount')).toBe('10');
      expect(await page.getByRole('link', { name: 'Active 9' }).getAttribute('aria-current')).toBe('page');
      for (const name of HOSTILE) expect(await page.getByText(name, { exact: true }).count()).toBe(1);
      await visit.look('people');
    });

    it.each([
      ['Invited', '1', 'Ingrid Invited', 'people-invited'],
      ['Leaving', '2', 'Cleo Oftexting', 'people-leaving'],
      ['Left', '1', 'Dan Oftexting', 'people-left'],
    ])('who are %s have a list of their own', async (tab, count, name, picture) => {
      const visit = await stage().openAs(cast.owner, '/people');
      await visit.page.getByRole('link', { name: `${tab} ${count}` }).click();
      await visit.page.getByRole('rowheader', { name }).waitFor();
      await visit.look(picture);
    });

    it('who are deleted would be here: an empty list says so', async () => {
      const visit = await stage().openAs(cast.owner, '/people?tab=deleted');
      await visit.page.getByRole('heading', { name: 'Nobody is deleted' }).waitFor();
      await visit.look('people-empty');
    });

    it('are found while somebody types; the address keeps the filters', async () => {
      const { page } = await stage().openAs(cast.owner, '/people');
      await page.getByRole('rowheader').first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('BEN');
      await page.getByRole('table').filter({ hasNotText: 'Ada' }).waitFor();
      await page.waitForURL('**/people?q=BEN');
      await page.reload();
      await page.getByRole('rowheader', { name: 'Ben Oftexting' }).waitFor();
      await eventually(async () => expect(await page.getByRole('rowheader').count()).toBe(1));
      await page.getByRole('combobox', { name: 'Role' }).selectOption('Agent');
      await page.getByRole('heading', { name: 'Nobody matches' }).waitFor();
      await page.getByRole('button', { name: 'Clear the filters' }).click();
      await page.getByRole('rowheader', { name: 'Ada Oftexting' }).waitFor();
      expect(await page.getByRole('searchbox').inputValue()).toBe('');
    });

    it('are listed without departures for those who are no managers', async () => {
      const { page } = await stage().openAs({ email: 'h0@hostile.example' }, '/people');
      await page.getByRole('rowheader').first().waitFor();
      expect(await page.getByRole('link', { name: 'Leaving' }).count()).toBe(0);
      expect(await page.getByRole('link', { name: 'Left' }).count()).toBe(1);
    });

    it('are shown by the thousand without rendering them all', async () => {
      const { page } = await stage().openAs(cast.owner, '/people');
      const person = (n: number) => ({
        ...{
          id: `019b3c5e-7a10-7c44-9d2e-${String(n).padStart(12, '0')}`,
          name: `Person ${n}`,
          email: `p${n}@x.example`,
        },
        ...{ staffId: `P-${n}`, roles: ['agent'], teamIds: [], status: 'active', legalHold: false },
      });
      await page.route('**/v1/users?*', (route) => {
        const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
        const items = Array.from({ length: 200 }, (_, index) => person(from + index));
        return route.fulfill({ json: { items, nextCursor: from + 200 < 10_000 ? String(from + 200) : null } });
      });
      await page.reload();
      await page.getByRole('rowheader', { name: 'Person 0', exact: false }).first().waitFor();
      for (const seen of [150, 350, 550]) {
        await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
        await page
          .getByRole('rowheader', { name: `Person ${seen} ` })
          .or(page.getByRole('rowheader').nth(20))
          .waitFor();
      }
      expect(await page.getByRole('row').count()).toBeLessThan(80);
    });

    it('can be loaded again when the list did not come', async () => {
      const { page } = await stage().openAs(cast.owner, '/people?tab=left');
      await page.getByRole('rowheader').first().waitFor();
      await page.route('**/v1/users?*', (route) =>
        route.fulfill({
          ...{ status: 503, contentType: 'application/problem+json' },
          body: JSON.stringify({ code: 'service-unavailable', status: 503, title: 'No answer', service: 'identity' }),
        }),
      );
      await page.goto('/people?tab=invited');
      await page
        .getByRole('alert')
        .getByText('“Sign-in and teams” does not answer at the moment. Nothing was changed.')
        .waitFor();
      await page.unroute('**/v1/users?*');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('rowheader', { name: 'Ingrid Invited' }).waitFor();
    });
  });

  describe('the frame', () => {
    it('asks for the password when the session has ended, and keeps the page', async () => {
      const visit = await stage().openAs(cast.ben, '/people?q=ada');
      const { page } = visit;
      await page.getByRole('rowheader').first().waitFor();
      await cast.owner.api.delete(`/v1/users/${cast.ben.id}/sessions`);
      await page.getByRole('searchbox').fill('cleo');
      const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
      await dialog.waitFor();
      await visit.look('session-ended');
      await dialog.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
      await dialog.getByRole('button', { name: 'Sign in and go on' }).click();
      await page.getByRole('rowheader', { name: 'Cleo Oftexting' }).waitFor();
      expect(await dialog.count()).toBe(0);
    });

    it('finds people and pages with Ctrl and K, and lists the keys with a question mark', async () => {
      const visit = await stage().openAs(cast.owner, '/people');
      const { page } = visit;
      await page.getByRole('rowheader').first().waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      await visit.look('keys');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'A person or a page' }).waitFor();
      await page.keyboard.type('cleo');
      await page.getByRole('option', { name: /Cleo Oftexting/ }).waitFor();
      await visit.look('palette');
      await page.keyboard.press('Enter');
      await page.getByRole('rowheader', { name: 'Cleo Oftexting' }).waitFor();
      await eventually(async () => expect(await page.getByRole('rowheader').count()).toBe(1));
    });

    it('says that the browser is offline', async () => {
      const visit = await stage().openAs(cast.owner, '/people');
      await visit.page.getByRole('rowheader').first().waitFor();
      await visit.page.context().setOffline(true);
      await visit.page.getByText('You are offline.', { exact: false }).waitFor();
      await visit.look('offline');
      await visit.page.context().setOffline(false);
    });

    it('has every text in the catalogue', async () => {
      const { page } = await stage().openAs(cast.owner, '/people?lang=pseudo');
      await page.getByRole('rowheader').first().waitFor();
      const forgotten = await page.evaluate<string[]>(`
        [...document.querySelectorAll('button, label, h1, h2, nav a, th, option')].map((el) => el.textContent.trim())
          .filter((text) => /[a-z]{3}/i.test(text) && !text.includes('⟦'))`);
      expect(
        forgotten.filter((text) => !/Oftexting|hostile/.test(text) && !HOSTILE.some((name) => text.includes(name))),
      ).toEqual([]);
    });
  });
}
