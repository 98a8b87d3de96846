import "htmx.org";
import Alpine from "@alpinejs/csp";
import { listen, slug, tabs } from "./components.js";
import { watch } from "./live.js";
import { playground } from "./playground.js";
import { reviewer } from "./reviewer.js";
import { call } from "./snippets.js";
import { voting } from "./voting.js";

Alpine.data("call", call);
Alpine.data("playground", playground);
Alpine.data("reviewer", reviewer);
Alpine.data("slug", slug);
Alpine.data("tabs", tabs);
Alpine.data("voting", voting);
Alpine.data("watch", watch);
Alpine.start();
listen();
