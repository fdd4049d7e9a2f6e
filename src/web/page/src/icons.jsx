// icons.jsx - the signs beside the ways.
const P = { map: "M1.5 4l4-2 5 2 4-2v10l-4 2-5-2-4 2zM5.5 2v10M10.5 4v10", edges: "M2 3h12v4H2zM2 9h12v4H2zM4.5 5h.01M4.5 11h.01", pools: "M8 2v4M8 6L3.5 10M8 6l4.5 4M3.5 10v3M12.5 10v3M8 6v7",
	ask: "M6 6a2 2 0 113 1.7c-.7.4-1 .8-1 1.6M8 12h.01M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13z", zones: "M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM1.5 8h13M8 1.5c-4 4-4 9 0 13M8 1.5c4 4 4 9 0 13",
	rollout: "M2 13l4-5 3 3 5-7M10.5 4H14v3.5", changes: "M3 4h8M11 4l-2-2M11 4L9 6M13 12H5M5 12l2-2M5 12l2 2", why: "M8 1.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM8 4v4l3 2", history: "M2 3v10M2 5h5M2 8h9M2 11h7",
	jobs: "M2 4h12M2 8h8M2 12h5", busiest: "M2 14V9M6 14V3M10 14V6M14 14v-3", audit: "M4 1.5h6l3 3v10H4zM6.5 7h4M6.5 10h4", tokens: "M10 6.5a3.5 3.5 0 10-2 3.2L9 11h2v2h2.5v-2.5L9.8 7" };
export const Icon = ({ of }) => <svg viewBox="0 0 16 16" aria-hidden="true"><path d={P[of]} /></svg>;
export const Mark = () => <svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#12324d" /><path d="M6 9.5 11 23l5-11 5 11 5-13.5" fill="none" stroke="#7fd0c5" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" /><circle cx="26" cy="9.5" r="2.6" fill="#f2b84b" /></svg>;
