import { useQuery } from '@tanstack/react-query';
import { signIn as texts } from '../../texts/sign-in';
import type { SigningIn } from './use-sign-in';

interface ConsoleSettings {
  demoAccounts: { preset: string; account: string; email: string; password: string }[];
}

const settingsQuery = {
  queryKey: ['console-settings'],
  // Not an operation of the API: it says what this page may offer.
  queryFn: async () => (await (await fetch('/console.json')).json()) as ConsoleSettings,
  staleTime: Infinity,
};

const isPreset = (preset: string): preset is keyof typeof texts.presets => Object.hasOwn(texts.presets, preset);

/** The demo's accounts, a click each. Absent wherever other machines reach Leaver. */
export function DemoAccounts({ signingIn }: { signingIn: SigningIn }) {
  const { data } = useQuery(settingsQuery);
  if (!data || data.demoAccounts.length === 0) return null;
  return (
    <section className="demo" aria-labelledby="demo-title">
      <h2 id="demo-title">{texts.demo}</h2>
      <p>{texts.demoAbout}</p>
      <ul>
        {data.demoAccounts.map(({ preset, account, email, password }) => (
          <li key={email}>
            <button
              className="btn block"
              type="button"
              aria-disabled={signingIn.isPending}
              onClick={() => signingIn.isPending || signingIn.mutate({ email, password })}
            >
              <span>{account}</span>
              <span className="muted">{isPreset(preset) ? texts.presets[preset] : preset}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
