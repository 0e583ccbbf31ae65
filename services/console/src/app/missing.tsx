import { Link } from '@tanstack/react-router';
import { app } from '../texts/app';

export function Missing() {
  return (
    <main className="alone" id="content">
      <h1>{app.missing.title}</h1>
      <p>{app.missing.about}</p>
      <p className="actions">
        <Link className="btn primary" to="/people">
          {app.missing.home}
        </Link>
      </p>
    </main>
  );
}
