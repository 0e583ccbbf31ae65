import { beforeAll, describe, expect, it } from '@jest/globals';
import { anAccount, PASSWORD, type Cast } from '../support/cast.js';
import type { Stage, Visit } from './kit/stage.js';

const DEMO = { demoAccounts: [{ preset: 'texting', account: 'Lakeside Counseling', email: '', password: PASSWORD }] };

export function signInTests(stage: () => Stage): void {
  let cast: Cast;
  beforeAll(async () => {
    cast = await anAccount(stage().system, 'crm');
  });

  const fill = async ({ page }: Visit, email: string, password: string) => {
    await page.getByRole('textbox', { name: 'Email' }).fill(email);
    await page.getByRole('textbox', { name: 'Password' }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };

  describe('the sign-in screen', () => {
    it('is where somebody comes who is not signed in, and leads on to where they wanted to go', async () => {
      const visit = await stage().open('/people?tab=left');
      const { page } = visit;
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await visit.look('sign-in');
      await fill(visit, cast.owner.email, PASSWORD);
      await page.getByRole('heading', { name: 'People' }).waitFor();
      expect(new URL(page.url()).search).toBe('?tab=left');
      expect(await page.title()).toBe('People · Leaver');
    });

    it('says what is missing and what is wrong, and puts the focus there', async () => {
      const visit = await stage().open('/sign-in');
      const { page } = visit;
      await fill(visit, '', '');
      await page.getByText('Enter your email address.').waitFor();
      await page.getByRole('textbox', { name: 'Email' }).and(page.locator(':focus')).waitFor();
      await fill(visit, cast.owner.email, 'not the password');
      await page.getByText('Email and password don’t match. Nothing is locked; try again.').waitFor();
      await page.getByRole('textbox', { name: 'Password' }).and(page.locator(':focus')).waitFor();
      await visit.look('sign-in-wrong');
    });

    it('tells somebody who has been deactivated what to do', async () => {
      await cast.owner.api.post(`/v1/users/${cast.dan.id}/deactivate`);
      const visit = await stage().open('/sign-in');
      await fill(visit, cast.dan.email, PASSWORD);
      await visit.page.getByRole('alert').getByText('has been deactivated').waitFor();
      await visit.look('sign-in-deactivated');
    });

    it('says how long somebody has to wait who has tried too often', async () => {
      const visit = await stage().open('/sign-in');
      await visit.page.route('**/v1/auth/session', (route) =>
        route.request().method() === 'POST'
          ? route.fulfill({
              status: 429,
              contentType: 'application/problem+json',
              body: JSON.stringify({ code: 'too-many-requests', status: 429, title: 'Too many', retryAfter: 40 }),
            })
          : route.fallback(),
      );
      await fill(visit, cast.owner.email, PASSWORD);
      await visit.page.getByRole('alert').getByText('try again in 40 seconds').waitFor();
      await visit.look('sign-in-limited');
    });

    it('offers the demo accounts where the gateway names some', async () => {
      const visit = await stage().open('/people');
      const { page } = visit;
      DEMO.demoAccounts[0]!.email = cast.owner.email;
      await page.route('**/console.json', (route) => route.fulfill({ json: DEMO }));
      await page.reload();
      await page.getByRole('button', { name: 'Lakeside Counseling' }).waitFor();
      await visit.look('sign-in-demo');
      await page.getByRole('button', { name: 'Lakeside Counseling' }).click();
      await page.getByRole('heading', { name: 'People' }).waitFor();
    });

    it('leads to no other site', async () => {
      const visit = await stage().open('/sign-in?to=//evil.example');
      await fill(visit, cast.owner.email, PASSWORD);
      await visit.page.getByRole('heading', { name: 'People' }).waitFor();
      expect(visit.page.url()).toBe(`${stage().system.url}/people`);
    });

    it('comes after signing out', async () => {
      const { page } = await stage().openAs(cast.owner, '/people');
      await page.getByRole('group').filter({ hasText: cast.owner.name }).locator('summary').click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await page.goto('/people');
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    });
  });
}
