import { isProblem } from '../api/problem';
import { problemText } from '../components/problem-notice';
import { app } from '../texts/app';

/** Instead of a screen that could not be shown. */
export function Broken({ error }: { error: unknown }) {
  const about = isProblem(error) ? problemText(error) : app.broken.about;
  return (
    <main className="alone" id="content">
      <h1>{app.broken.title}</h1>
      <p role="alert">{about}</p>
      <p className="actions">
        <button className="btn primary" type="button" onClick={() => window.location.reload()}>
          {app.broken.again}
        </button>
      </p>
    </main>
  );
}
